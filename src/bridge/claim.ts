// What a window says of itself to the server: three headers. The id is the same for the window's whole life, differs for
// any two windows, and tells nothing (a hash). A claim, not a proof. Runs on Node 20 with built-ins alone; never throws.

import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, isAbsolute } from 'node:path'
import { gitBranch } from './git-branch.ts'
import type { ProcessFact, ProcessTable } from './process-table.ts'
import { findWindow } from './window-process.ts'

/** Where the claim is made from. */
export interface ClaimFacts {
  readonly parentPid: number
  readonly table: ProcessTable
  /** Tells two machines (and two containers on one) apart. */
  readonly host: string
  /** The window's project folder, absolute; null when it is gone. */
  readonly folder: string | null
}

const labelCharsMax = 80
// Node's own limit for all headers of a request is 16 KiB: a monstrous path must not make the whole connect fail.
const rootCharsMax = 4096

/** The headers, values percent-encoded; empty when no window is found. */
export function claimHeaders(facts: ClaimFacts): Record<string, string> {
  const window = findWindow(facts.parentPid, facts.table)
  if (window === null) return {}
  const headers: Record<string, string> = { 'x-exai-client': windowId(facts.host, window) }
  if (facts.folder === null) return headers
  headers['x-exai-label'] = encode(labelOf(facts.folder))
  const root = encode(facts.folder)
  if (root.length <= rootCharsMax) headers['x-exai-root'] = root
  return headers
}

/** The project's folder: what Claude Code names, else where we run. */
export function projectFolder(named: string | undefined, cwd: () => string): string | null {
  if (named !== undefined && isAbsolute(named)) return named
  try {
    return cwd()
  } catch {
    // The folder we were started in has been deleted.
    return null
  }
}

/** Host name, boot and process namespace: process ids repeat between machines of one name, boots, and containers. */
export function hostFacts(): string {
  return [
    hostname(),
    orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    orEmpty(() => readlinkSync('/proc/self/ns/pid')),
  ].join('\n')
}

function windowId(host: string, window: ProcessFact): string {
  return createHash('sha256')
    .update(`${host}\n${window.pid}\n${window.startedAt}`)
    .digest('base64url')
    .slice(0, 22)
}

function labelOf(folder: string): string {
  const branch = gitBranch(folder)
  const name = basename(folder) || folder
  return Array.from(branch === null ? name : `${name}@${branch}`)
    .slice(0, labelCharsMax)
    .join('')
}

// A lone surrogate (a file name in a broken encoding) would make encodeURIComponent throw.
function encode(value: string): string {
  return encodeURIComponent(value.toWellFormed())
}

function orEmpty(read: () => string): string {
  try {
    return read()
  } catch {
    // Only Linux has these; elsewhere the host name alone must do.
    return ''
  }
}
