// The magazine's own script: its links, and the panel.
//
// It stands before the widget layer's script in the page, so that its
// listeners are there when the layer raises its first event.

import {startPanel} from './panel.js'

const publisher = 'https://www.geonames.org/'

// Links in an article lead to the publisher's pages; the magazine has its own.
// The link to the source stays what it is.
document.addEventListener('click', event => {
  const link = event.composedPath().find(node => node instanceof HTMLAnchorElement)
  if (event.defaultPrevented || !link?.href.startsWith(publisher) || link.closest('.colophon, [part=source]')) return
  event.preventDefault()
  go('/country?url=' + encodeURIComponent(link.href), event)
})

function go(address, event) {
  if (event && (event.ctrlKey || event.metaKey || event.shiftKey)) window.open(address, '_blank', 'noopener')
  else location.assign(address)
}

startPanel()
