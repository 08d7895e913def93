/**
 * The console's script. Every page works without it, except live updates. It listens at the
 * document, so that regions that are replaced need nothing.
 */
import {charts} from './charts'
import {copying} from './copy'
import {dialogs} from './dialogs'
import {keys} from './keys'
import {live} from './live'
import {menus} from './menus'
import {uploads} from './upload'

document.documentElement.classList.add('js')
for (const start of [menus, copying, dialogs, keys, charts, live, uploads]) start()
