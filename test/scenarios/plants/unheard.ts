// A server with two bugs of its own, each brought about by a signal: SIGUSR2 makes a thousand promises fail unheard, SIGWINCH throws where
// nobody catches.

process.on('SIGUSR2', () => {
  for (let i = 0; i < 1_000; i++) void Promise.reject(new Error(`unheard: Bearer very-secret-${i}`))
})
process.on('SIGWINCH', () => {
  throw new Error('thrown where nobody catches')
})
