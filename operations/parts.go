package operations

import (
	"stile.example/stile/operations/auditing"
	"stile.example/stile/operations/check"
	"stile.example/stile/operations/items"
	"stile.example/stile/operations/keys"
	"stile.example/stile/operations/lists"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/nodelist"
	"stile.example/stile/operations/overview"
	"stile.example/stile/operations/paging"
	"stile.example/stile/operations/statements"
	"stile.example/stile/tokens/listing"
)

// The types of operations that are implemented in packages of their own.
type (
	TenantQuery        = lookup.Query
	UsageQuery         = statements.UsageQuery
	UsageRow           = statements.UsageRow
	RefusalName        = lists.RefusalName
	RefusalView        = lists.RefusalView
	RefusalInfo        = lists.RefusalInfo
	RefusalQuery       = lists.RefusalQuery
	RefusalLine        = lists.RefusalLine
	RefusalPage        = lists.RefusalPage
	TokenQuery         = lists.TokenQuery
	TokenLine          = lists.TokenLine
	TokenPage          = lists.TokenPage
	TokenState         = listing.State
	AddressView        = lists.AddressView
	AddressInfo        = lists.AddressInfo
	AddressQuery       = lists.AddressQuery
	AddressPage        = lists.AddressPage
	AddressName        = lists.AddressName
	AddressStory       = lists.AddressStory
	RangeKeep          = lists.RangeKeep
	ContentOwner       = items.Owner
	ContentOptions     = items.Options
	ContentCollections = items.Collections
	ContentChange      = items.Change
	ContentSearch      = items.Query
	ContentFound       = items.Found
	ContentUndo        = items.UndoRequest
	OverviewQuery      = overview.Query
	Overview           = overview.Overview
	TokenMoment        = lists.Moment
	AuditQuery         = auditing.Query
	AuditEntry         = auditing.Entry
	AuditPage          = auditing.Page
	AuditCheck         = auditing.Check
	AuditHead          = auditing.Head
	KeyView            = keys.View
	KeyRotation        = keys.Rotation
	IssuerView         = keys.IssuerView
	IssuerRefresh      = keys.IssuerRefresh
	KeyReencrypted     = keys.Reencrypted
	NodeView           = nodelist.View
	CheckProgress      = check.Progress
)

// MaxPage is the maximum of lines of a page.
const MaxPage = paging.Max
