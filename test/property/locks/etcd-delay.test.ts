import { locks } from './locks.ts'

locks('etcd-delay')
