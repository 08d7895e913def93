/** Reports what the page's content security policy forbids, such as a language's file. */
import {reportMistake} from '../developer'
import {doc} from '../doc'
import {core} from '../page'

/**
 * Reports violations from now on. It leaves out the calls: if a page's policy forbids one
 * transport, the other may work.
 */
export function reportViolations(): void {
  doc.addEventListener('securitypolicyviolation', event => {
    const {disposition, effectiveDirective, blockedURI, sample} = event
    const {api} = core.config
    const ours = blockedURI.startsWith(api) ? !effectiveDirective.startsWith('connect') && !blockedURI.startsWith(api + '/v1/') : sample === 'stile' || isInElement(event)
    if (disposition === 'enforce' && ours) reportMistake(dev => dev.forbidden(effectiveDirective, blockedURI))
  })
}

/** Reports whether the resource is in one of the elements, such as a picture of the publisher. */
function isInElement(event: Event): boolean {
  const target = event.composedPath()[0]
  const root = target instanceof Node && target.getRootNode()
  return root instanceof ShadowRoot && root.host.localName.startsWith('stile-')
}
