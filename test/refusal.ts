// The error of a refused call, thrown or as a rejection.

/** The error that the call throws or rejects with. Undefined if there is none. */
export function refusalOf(call: () => unknown): unknown {
  try {
    const result = call()
    return result instanceof Promise ? result.then(() => undefined, identity) : undefined
  } catch (error) {
    return error
  }
}

const identity = (error: unknown): unknown => error
