import { soak } from './soak.ts'

soak('etcd', 'memory')
