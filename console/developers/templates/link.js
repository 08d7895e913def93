// Opens the link in the fragment of the URL. The fragment is removed at once, so that it does not
// stay in the address bar and the history, and is sent in the body of a form, never in a URL.
function openLink() {
  const link = location.hash.slice(1);
  if (!link.startsWith('stile_dev_')) return;
  history.replaceState(null, '', location.pathname);
  const form = document.createElement('form');
  form.method = 'post';
  form.action = '/developers/open';
  form.hidden = true;
  const field = document.createElement('input');
  field.type = 'hidden';
  field.name = 'link';
  field.value = link;
  form.append(field);
  document.body.append(form);
  form.submit();
}
addEventListener('hashchange', openLink);
openLink();
