import { soak } from './soak.ts'

soak('etcd', 'etcd-delay', 'memory')
