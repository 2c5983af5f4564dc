import { connect, type Hold, HoldLostError } from 'leasehold'
import { memory } from 'leasehold/memory'

async function main(): Promise<void> {
  await using leasehold = await connect(memory())
  const token: bigint = await leasehold.mutex('typed').run(async (hold: Hold) => hold.token)
  const path: string = '../../check.mjs'
  const { check } = await import(path)
  console.log(token, await check({ connect, HoldLostError }, { memory }))
}

main()
