import { connect, type Hold, HoldLostError, type Leasehold } from 'leasehold'
import { memory } from 'leasehold/memory'

await using leasehold: Leasehold = await connect(memory())
const token: bigint = await leasehold.mutex('typed').run(async (hold: Hold) => hold.token)
const { check } = await import(new URL('../../check.mjs', import.meta.url).href)
console.log(token, await check({ connect, HoldLostError }, { memory }))
