package adminpages

import (
	"stile.example/stile/console/frame"
	"stile.example/stile/operations/accounts"
)

func listAdmins(r *frame.Request) (any, error) {
	all, err := frame.Do[accounts.All, []accounts.View](r, "admin list", accounts.All{})
	t := frame.Table{Caption: "Admins", Quiet: true, Columns: frame.Columns("Name", "Role", "Signs in with", "#Passkeys", "#Sessions", "#Tokens", "Last sign-in"),
		Empty: &frame.Empty{Title: "No admins", Text: "Add one to let a person or a program in."}}
	for _, a := range all {
		name := frame.Code(a.Name).Link(frame.Path("admins", a.Name))
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{name, frame.Text(string(a.Role)), facts(a)[2].Value, frame.Num(a.Passkeys), frame.Num(a.Sessions), frame.Num(a.Tokens), frame.Time(a.LastSignIn)}})
	}
	return t, err
}

func showAdmin(r *frame.Request) (any, error) {
	a, err := load(r)
	if err != nil {
		return a, err
	}
	r.Title = a.Name
	if a.Issuer == "" {
		a.Actions = []frame.Cell{r.Ask(pathOf(r, "/role"), "Role…", "of "+a.Name), r.Ask(pathOf(r, "/reset"), "Reset the password…", "of "+a.Name)}
	}
	a.Actions = append(a.Actions, r.Ask(pathOf(r, "/remove"), "Remove…", a.Name))
	return a, nil
}
