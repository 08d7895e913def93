// The magazine's own script: its links, and the panel.
//
// The page loads it before the widget layer's script, so that its listeners are registered when the
// layer raises its first event.

import {startPanel} from './panel.js'

const publisher = 'https://www.geonames.org/'

// The links in an article lead to the publisher's pages. The magazine opens its own page instead.
// The link to the source still leads to the publisher.
document.addEventListener('click', event => {
  const link = event.composedPath().find(node => node instanceof HTMLAnchorElement)
  if (event.defaultPrevented || !link?.href.startsWith(publisher) || link.closest('.colophon, [part=source]')) return
  event.preventDefault()
  open('/country?url=' + encodeURIComponent(link.href), event)
})

function open(url, event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) window.open(url, '_blank', 'noopener')
  else location.assign(url)
}

startPanel()
