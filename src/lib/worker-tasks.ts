// The worker's side of `worker-pool.ts`: one task at a time, one reply for each. Imported by worker modules only.

import { parentPort } from 'node:worker_threads'
import type { WorkerReply } from './worker-pool.ts'

/** Answers every task with what `work` returns; what it throws becomes a fault of that task alone. */
export function answerTasks<Input, Output>(work: (input: Input) => Output | Promise<Output>): void {
  const port = parentPort
  if (port === null) throw new Error('bug: answerTasks is called outside a worker')
  // What a parser prints about a bad file is the caller's business, not the console's, and must not pile up unread.
  const drop = (): boolean => true
  process.stdout.write = drop
  process.stderr.write = drop
  port.on('message', (input: Input) => {
    void reply(work, input).then((answer) => port.postMessage(answer))
  })
}

async function reply<Input, Output>(
  work: (input: Input) => Output | Promise<Output>,
  input: Input,
): Promise<WorkerReply<Output>> {
  try {
    return { kind: 'done', value: await work(input) }
  } catch (error) {
    return {
      kind: 'threw',
      message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    }
  }
}
