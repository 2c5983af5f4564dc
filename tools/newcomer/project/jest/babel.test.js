import * as leasehold from 'leasehold'
import * as memory from 'leasehold/memory'
import { check } from '../check.mjs'

test('it works', async () => console.log(await check(leasehold, memory)))
