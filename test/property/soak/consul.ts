import { soak } from './soak.ts'

soak('consul')
