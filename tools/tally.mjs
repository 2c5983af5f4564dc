// The last line of a test run, in plain words that any machine can read.
// @ts-check

/** A vitest reporter that ends with `N passed, N failed`. */
export default class Tally {
  /** @param {readonly import('vitest/node').TestModule[]} modules */
  onTestRunEnd(modules) {
    const results = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    )
    const broken = modules.filter((module) => module.errors().length > 0).length
    const count = (/** @type {string} */ state) => results.filter((result) => result === state).length
    process.stdout.write(`\n${count('passed')} passed, ${count('failed') + broken} failed\n`)
  }
}
