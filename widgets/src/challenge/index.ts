export {work} from './work'
