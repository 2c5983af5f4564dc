// How names are written into Consul's keys, and read from them again.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeName, encodeName, Layout } from '../../../src/backends/consul/layout.ts'
import { holdsForAll } from '../../property/draw.ts'

const anyName = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('.', '/', ',', '-', 'a', '2', ' '),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    ),
    minLength: 1,
  })
  .filter((name) => name !== '' && !/\p{Cc}/u.test(name))

test('decodeName reverses encodeName, and is undefined for text that encodeName never writes', async ({
  task,
}) => {
  const reverses = fc.property(anyName, (name) => decodeName(encodeName(name)) === name)
  await holdsForAll(task, reverses)
  const refusesForeign = fc.property(anyName, (encoded) => {
    const name = decodeName(encoded)
    return name === undefined || encodeName(name) === encoded
  })
  await holdsForAll(task, refusesForeign)
  for (const foreign of ['', 'with space', ',', ',2f', ',41', '/a', 'a//b', 'a/../b', ',FF']) {
    expect(decodeName(foreign), foreign).toBeUndefined()
  }
})

test('the keys of all names with a common prefix begin with the commonStart of that prefix', async ({
  task,
}) => {
  const layout = new Layout('my space/')
  for (const prefix of ['a', 'a/', 'a.', 'a/.', 'a..', 'a/b', '/', '.', ',', 'é'])
    for (const rest of ['', '/', '.', '..', '/.', 'b', '/b', '.b']) {
      expect(layout.keys(`${prefix}${rest}`).lock.startsWith(layout.commonStart(prefix)), prefix + rest).toBe(
        true,
      )
    }
  const begins = fc.property(anyName, fc.string({ unit: 'grapheme' }), (prefix, rest) => {
    const { lock: key } = layout.keys(`${prefix}${rest}`)
    return key.startsWith(layout.commonStart(prefix)) && layout.nameOf(key) === `${prefix}${rest}`
  })
  await holdsForAll(task, begins)
})
