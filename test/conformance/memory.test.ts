import { test } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import { backendConformance } from '../../src/testing/index.ts'

for (const { title, run, withinMs } of await backendConformance(memory())) test(title, run, withinMs)
