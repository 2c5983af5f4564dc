// Checks the numbers and names by which a caller says how much it takes: permits, and the names of a group.
import { check, number, show, type Table } from '../base/options.ts'
import type { Facts } from '../contract.ts'
import { checkName } from '../core/arguments.ts'

/** The options that only `acquire`, `tryAcquire` and `run` of a semaphore have. */
export function permitOptions(facts: Facts, most: number): Table {
  const max = Math.min(most, facts.weightMax ?? most)
  const where = max < most ? ` on ${facts.scheme}` : ''
  const takes = `a whole number from 1 to ${max}${where}`
  return { permits: { ...number({ min: 1, max, whole: true, takes }), alsoCalled: ['weight', 'count', 'n'] } }
}

/** Throws unless a hold of `held` permits can give back so many and keep some. */
export function checkGivenBack(value: number, held: number): void {
  const takes =
    held > 1 ? `a whole number from 1 to ${held - 1}` : 'no number, since this hold has one permit'
  check(
    'permits',
    value,
    number({ min: 1, max: held - 1, whole: true, takes: `${takes}; release() gives back all` }),
  )
}

/** The names of several mutexes: 1 to 64, each of them once. */
export function checkNames(names: readonly string[]): void {
  check('names', names, {
    takes: 'an array of names',
    judge: (value) => (Array.isArray(value) ? 'fits' : 'wrong type'),
  })
  if (names.length < 1 || names.length > namesMost)
    throw new RangeError(`names: has ${names.length} names; it takes 1 to ${namesMost}`)
  for (const [index, name] of names.entries()) {
    checkName(name, `names[${index}]`)
    const first = names.indexOf(name)
    if (first < index)
      throw new RangeError(`names[${index}]: ${show(name)} is names[${first}] as well; each name once`)
  }
}

const namesMost = 64
