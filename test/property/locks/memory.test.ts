import { locks } from './locks.ts'

locks('memory')
