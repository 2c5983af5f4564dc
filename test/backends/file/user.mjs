// A client of another user: `node user.mjs BUILT DIRECTORY UID`, started by root. Prints whether it held "job", or the error.
// The code is loaded before the user changes, who may not be able to read it.
const [built, directory, uid] = process.argv.slice(2)
const { connect } = await import(`${built}/connect.js`)
const { file } = await import(`${built}/backends/file/index.js`)
await (await import(`${built}/backends/file/driver.js`)).loadDriver()

process.setgroups?.([])
process.setgid?.(Number(uid))
process.setuid?.(Number(uid))
process.umask(0o077)
try {
  const client = await connect(file({ directory }))
  const hold = await client.mutex('job').tryAcquire()
  console.log(hold !== undefined)
  await client.close()
} catch (error) {
  const { code, message } = /** @type {Error & { code?: string }} */ (error)
  console.log(code, message)
}
