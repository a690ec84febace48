// Which folders a caller on this machine may read, and nobody else any: what the config lists, and the owner's windows' folders inside
// the server owner's home or a configured root. Promises real paths only; a claim widens nothing beyond that.
// Does not read files: `read-inside.ts` does, against what this file allows.

import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Identity } from '../domain/identity.ts'
import { localPrincipal } from '../domain/ids.ts'

/** A folder that may be read, as its real path and as its owner wrote it. */
interface Root {
  readonly realPath: string
  readonly shownPath: string
}

/** What a caller may read. */
export interface AllowedRoots {
  readonly roots: readonly Root[]
  /** What a relative path starts from: the window's own folder, else the only root there is, else null. */
  readonly base: string | null
}

/** Decides what each caller may read. */
export interface Roots {
  /**
   * The folders of one caller. `sessionRoots` are the absolute paths its client named in `roots/list`; they count for
   * nothing when the caller is not on this machine: its folders are not ours.
   */
  allowedFor(identity: Identity, sessionRoots: readonly string[]): Promise<AllowedRoots>
  /** True for the owner of this computer: only folders that they name count. */
  mayName(identity: Identity): boolean
  /** True when this caller may name this folder, and it would count. `folder` is absolute. */
  canName(identity: Identity, folder: string): Promise<boolean>
}

/** Where windows' folders may lie. */
export interface RootsOptions {
  /** Home of the person who runs the server; default: the process's. */
  readonly homeDir?: string
  /** `roots:` of the config; `~` is the home. */
  readonly configured: readonly string[]
}

/** A client may name this many; more are ignored. */
const sessionRootsMax = 32

/** Builds the roots. Folders are looked up at each call: one that appears later counts, one that became a link does not fool it. */
export function createRoots(options: RootsOptions): Roots {
  const homeDir = options.homeDir ?? homedir()
  const configuredPaths = options.configured.map((path) => resolve(expandHome(path, homeDir)))

  return {
    async allowedFor(identity, sessionRoots) {
      const open = identity.isLocal ? configuredPaths : []
      const configured = (await Promise.all(open.map(toRoot))).filter((root) => root !== null)
      const home = await toRoot(homeDir)
      const claims = mayName(identity) ? claimsOf(identity, sessionRoots) : []
      const claimed = (await Promise.all(claims.map(toRoot)))
        .filter((root) => root !== null)
        .filter((root) => isWithin(root, configured, home))
      const roots = [...claimed, ...configured]
      const own = claimed[0] ?? (configured.length === 1 ? configured[0] : undefined)
      return { roots, base: own?.shownPath ?? null }
    },
    mayName,
    async canName(identity, folder) {
      if (!mayName(identity)) return false
      const { roots } = await this.allowedFor({ ...identity, root: null }, [folder])
      return roots.some(({ shownPath }) => shownPath === resolve(folder))
    },
  }
}

// Another person of this computer, who has a key, is not its owner: that one's folders are not theirs to name.
function mayName({ isLocal, principal, isOperator }: Identity): boolean {
  return isLocal && (principal === localPrincipal || isOperator === true)
}

/** True when `path` is `folder` or lies under it; both are absolute and normal. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))
}

/** True when a part of `path` below `folder` begins with a dot. */
export function isHidden(folder: string, path: string): boolean {
  return relative(folder, path)
    .split(sep)
    .some((part) => part.startsWith('.'))
}

/** The home itself is never a window's root: its hidden folders aside it holds everything a person owns. */
function isWithin(root: Root, configured: readonly Root[], home: Root | null): boolean {
  const isUnder = (folder: Root): boolean =>
    isInside(folder.realPath, root.realPath) && !isHidden(folder.realPath, root.realPath)
  if (configured.some(isUnder)) return true
  return home !== null && home.realPath !== root.realPath && isUnder(home)
}

function claimsOf(identity: Identity, sessionRoots: readonly string[]): string[] {
  return [identity.root, ...sessionRoots.slice(0, sessionRootsMax)].filter(
    (path): path is string => path !== null && isAbsolute(path) && !path.includes('\0'),
  )
}

async function toRoot(path: string): Promise<Root | null> {
  try {
    return { realPath: await realpath(path), shownPath: resolve(path) }
  } catch (error) {
    // A root that is not there allows nothing; a folder may be mounted later.
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}

function expandHome(path: string, homeDir: string): string {
  return path === '~' || path.startsWith('~/') ? join(homeDir, path.slice(1)) : path
}
