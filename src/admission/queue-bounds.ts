// What a client's jobs may weigh in memory while they wait. A file that a vendor is to read weighs up to 50 MiB, many times what its
// window's room for text is, and yet it must be taken: so the heaviest of a client's waiting jobs weighs nothing, and one that does not
// fit beside others is told when there is room. What that lets in is bounded in turn, for all windows of one key together.

import type { ClientNode, PrincipalNode } from './queue-tree.ts'

/** Which bound was reached. */
export interface FullScope {
  readonly scope: 'client' | 'principal' | 'provider'
  readonly unit: 'jobs' | 'bytes'
  readonly limit: number
  readonly used: number
}

/**
 * The bound that a job of `bytes` would break if it waited; null: it fits. A principal's only waiting job always does. `bytesMax`:
 * what a client's jobs may weigh beside the heaviest of them.
 */
export function bytesBound<Payload>(
  client: ClientNode<Payload>,
  bytes: number,
  bytesMax: number,
): FullScope | null {
  const all = client.bytes + bytes
  if (all <= bytesMax) return null
  if (all - Math.max(bytes, heaviest(client)) > bytesMax) {
    return { scope: 'client', unit: 'bytes', limit: bytesMax, used: client.bytes }
  }
  // Only what is heavy itself: a key's files must not keep a question of its other windows out.
  if (bytes <= bytesMax) return null
  return heavyBound(client.principal, bytes, heavyJobsMax * bytesMax)
}

function heavyBound<Payload>(
  principal: PrincipalNode<Payload>,
  bytes: number,
  limit: number,
): FullScope | null {
  if (principal.jobs === 0 || principal.bytes + bytes <= limit) return null
  return { scope: 'principal', unit: 'bytes', limit, used: principal.bytes }
}

// Rooms of a window: 256 MiB for all windows of a key, as a window's is 8 MiB.
const heavyJobsMax = 32

// Walks the client's jobs, of which there are few (`clientJobsMax`), and only where together they are too heavy.
function heaviest<Payload>({ lanes }: ClientNode<Payload>): number {
  let most = 0
  for (const lane of [lanes.interactive, lanes.batch]) {
    for (let job = lane?.oldest ?? null; job !== null; job = job.after) most = Math.max(most, job.bytes)
  }
  return most
}
