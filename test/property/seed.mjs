// @ts-check
// The number from which every simulated run of the tests is drawn. Owns where it comes from: this file, unless a tool sets
// LEASEHOLD_SEED. How it becomes plans and sequences is in draw.ts.

/** The seed of `npm test`. Any number does; another number means other runs, so it stays unless that is wanted. */
export const keptSeed = 20_260_728

/** Seeds are below this: fast-check takes whole numbers of 32 bits. */
const seedsMax = 2 ** 31

/**
 * The seed of this run of the tests. Throws when LEASEHOLD_SEED is set to something other than a seed.
 *
 * @returns {number}
 */
export function currentSeed() {
  const { LEASEHOLD_SEED: given } = process.env
  return given ? parseSeed(given, 'LEASEHOLD_SEED') : keptSeed
}

/**
 * A seed that no run had before, most likely.
 *
 * @returns {number}
 */
export function freshSeed() {
  return Math.floor(Math.random() * seedsMax)
}

/**
 * Reads a seed from a command line or the environment. Throws when it is none; `name` says in the message what was wrong.
 *
 * @param {string} text
 * @param {string} name
 * @returns {number}
 */
export function parseSeed(text, name) {
  const seed = Number(text)
  if (!/^\d+$/.test(text) || seed >= seedsMax)
    throw new Error(`${name}: ${JSON.stringify(text)} is not a whole number from 0 to ${seedsMax - 1}`)
  return seed
}
