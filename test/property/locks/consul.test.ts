import { locks } from './locks.ts'

locks('consul')
