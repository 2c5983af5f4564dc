// The end of a test run, for people and machines: the slowest files, the simulated runs, and the numbers of passed and
// failed tests.
// @ts-check
import { createHash } from 'node:crypto'
import { currentSeed, keptSeed } from '../test/property/seed.mjs'

/** @typedef {import('vitest/node').TestModule} TestModule */
/** @typedef {import('vitest/node').TestCase} TestCase */

const slowestMax = 10

/** A vitest reporter that ends with `N passed, N failed`. */
export default class Tally {
  #begunMs = performance.now()

  onTestRunStart() {
    this.#begunMs = performance.now()
  }

  /** @param {readonly TestModule[]} modules */
  onTestRunEnd(modules) {
    const seconds = (performance.now() - this.#begunMs) / 1_000
    process.stdout.write([...slowest(modules, seconds), ...simulated(modules), tally(modules)].join('\n'))
  }
}

/**
 * The slowest files, including their waits for servers.
 * @param {readonly TestModule[]} modules
 * @param {number} seconds
 */
function slowest(modules, seconds) {
  if (modules.length < 2) return []
  const timed = modules.map((module) => ({ name: nameOf(module), seconds: secondsOf(module) }))
  const all = timed.reduce((sum, each) => sum + each.seconds, 0)
  const top = timed.toSorted((one, other) => other.seconds - one.seconds).slice(0, slowestMax)
  const head = `${modules.length} files took ${all.toFixed(0)} s, several at a time, within ${seconds.toFixed(0)} s; the slowest:`
  return ['', head, ...top.map((each) => `${each.seconds.toFixed(1).padStart(7)} s  ${each.name}`)]
}

/**
 * A file, and the line of servers where it runs once for each.
 * @param {TestModule} module
 */
function nameOf({ relativeModuleId, project }) {
  const line = /, (.*)/.exec(project.name)?.[1]
  return line === undefined ? relativeModuleId : `${relativeModuleId}, ${line}`
}

/**
 * From the first import of a file to the end of its last hook.
 * @param {TestModule} module
 */
function secondsOf(module) {
  const { collectDuration, duration, prepareDuration, environmentSetupDuration, setupDuration } =
    module.diagnostic()
  return (collectDuration + duration + prepareDuration + environmentSetupDuration + setupDuration) / 1_000
}

/**
 * The simulated runs in one line, which is always the same for the same tests and seed.
 * @param {readonly TestModule[]} modules
 */
function simulated(modules) {
  const done = modules.flatMap((module) => [...module.children.allTests()].flatMap(runsOf))
  if (done.length === 0) return []
  done.sort((one, other) => (one.title < other.title ? -1 : 1))
  const hash = createHash('sha256')
  for (const { title, digest } of done) hash.update(`${title} ${digest}\n`)
  const runs = done.reduce((sum, each) => sum + each.runs, 0).toLocaleString('en')
  const seed = currentSeed()
  const whose = seed === keptSeed ? 'kept in the repository' : 'not the one in the repository'
  return ['', `seed ${seed} (${whose}): ${runs} simulated runs, digest ${hash.digest('hex').slice(0, 16)}`]
}

/** @param {TestCase} test */
function runsOf(test) {
  const { simulated } = test.meta()
  return simulated ? [{ title: `${test.module.relativeModuleId} ${test.fullName}`, ...simulated }] : []
}

/** @param {readonly TestModule[]} modules */
function tally(modules) {
  const results = modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => test.result().state),
  )
  const broken = modules.filter((module) => module.errors().length > 0).length
  const count = (/** @type {string} */ state) => results.filter((result) => result === state).length
  return `\n${count('passed')} passed, ${count('failed') + broken} failed\n`
}
