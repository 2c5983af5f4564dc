// The one message for a name that is in use for something else.
import { expect, test } from 'vitest'
import { inUse } from '../../../src/backends/shared/conflict.ts'

const elsewhere = 'use the name in the same form everywhere, or choose another name'

test.each([
  [{ permits: 4 }, 1, `"job" is in use as a semaphore with 4 permits; this asks for a mutex: ${elsewhere}`],
  [{ permits: 1 }, 3, `"job" is in use as a mutex; this asks for a semaphore with 3 permits: ${elsewhere}`],
  [
    { permits: 1_000_000 },
    1,
    `"job" is in use as a lock of readers and writers; this asks for a mutex: ${elsewhere}`,
  ],
  [
    { permits: undefined },
    1,
    '"job" is in use for something other than a lock; this asks for a mutex: choose another name',
  ],
  [
    { permits: 1, key: 'job/.lock', leftOver: true },
    2,
    '"job" is in use as a mutex; this asks for a semaphore with 2 permits: ' +
      'choose another name, or delete the key "job/.lock" if nobody uses it any more',
  ],
])('the error for a name in use as %j names that use and a way out', (use, permits, message) => {
  expect(inUse({ name: 'job', permits }, use)).toMatchObject({ code: 'LEASEHOLD_CONFLICT', message })
})
