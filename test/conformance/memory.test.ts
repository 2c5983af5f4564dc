import { memory } from '../../src/backends/memory/index.ts'
import { conformance } from './suite.ts'

conformance('memory', async () => ({ source: memory(), close: async () => {} }))
