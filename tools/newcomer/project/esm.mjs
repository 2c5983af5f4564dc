import * as leasehold from 'leasehold'
import * as memory from 'leasehold/memory'
import { check } from './check.mjs'

console.log(await check(leasehold, memory))
