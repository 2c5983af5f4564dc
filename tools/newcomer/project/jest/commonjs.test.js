test('it works', async () => {
  const [leasehold, memory, { check }] = await Promise.all([
    import('leasehold'),
    import('leasehold/memory'),
    import('../check.mjs'),
  ])
  console.log(await check(leasehold, memory))
})
