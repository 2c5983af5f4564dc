const leasehold = require('leasehold')
const memory = require('leasehold/memory')

import('./check.mjs').then(async ({ check }) => console.log(await check(leasehold, memory)))
