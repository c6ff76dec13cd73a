// SPDX-License-Identifier: LGPL-2.1-or-later
// tap: runs tests one after the other and says what became of them, as meson wants it.

// `tests` is an object of functions by their names; each gets `context`. What hangs has failed.
export async function run (tests, context, seconds, giveUp = () => {}) {
  const entries = Object.entries(tests)
  let failed = 0

  setTimeout(() => { giveUp(); console.log('Bail out! no time left'); process.exit(1) }, seconds * 1000).unref()
  console.log(`1..${entries.length}`)
  for (const [i, [name, test]] of entries.entries()) {
    try {
      await test(context)
      console.log(`ok ${i + 1} ${name}`)
    } catch (error) {
      failed++
      console.log(`not ok ${i + 1} ${name}`)
      console.error(error)
    }
  }
  return failed
}
