import { connect, type Hold, HoldLostError, type Leasehold } from 'leasehold'
import { memory } from 'leasehold/memory'
import { check } from './check.mjs'

const leasehold: Leasehold = await connect(memory())
const token: bigint = await leasehold.mutex('typed').run(async (hold: Hold) => hold.token)
await leasehold.close()
console.log(token, await check({ connect, HoldLostError }, { memory }))
