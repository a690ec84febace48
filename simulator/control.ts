// The control door's words: what may be set, checked before it is in force, with an error that says what was expected.
// A patch changes what it names and leaves the rest; `faults` and `rules` replace the whole list.

import { z } from 'zod'
import { faultTables } from './fault-table.ts'
import {
  type ArmedFault,
  type ConcurrencyLimits,
  type PaceRule,
  type TimedOperation,
  timedOperations,
  type VendorSettings,
} from './settings.ts'
import { switchTables } from './switches.ts'
import { operations, type Vendor, vendors } from './vendors.ts'

const ms = z.number().min(0).max(86_400_000)
const limit = z.number().int().min(0).max(1_000_000_000).nullable()
const pattern = z.string().max(1000).refine(isPattern, 'is no regular expression')

function isPattern(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    // What the schema then says about it is all there is to say.
    return false
  }
}

const serviceTimes = Object.fromEntries(timedOperations.map((operation) => [operation, ms.optional()]))
const rule = z.strictObject({
  match: pattern.optional(),
  operation: z.enum(operations).optional(),
  model: z.string().optional(),
  serviceMs: ms.optional(),
  chunkMs: ms.optional(),
  answerChars: z.number().int().min(0).max(1_000_000).optional(),
})

function faultSchema(vendor: Vendor) {
  const table = faultTables[vendor]
  const known = Object.keys(table).join(', ')
  const name = z
    .string()
    .refine((one) => Object.hasOwn(table, one), `is no fault of ${vendor}; the faults are: ${known}`)
  const full = z.strictObject({
    name,
    times: z.number().int().min(1).max(1_000_000).nullable().default(null),
    operation: z.enum(operations).optional(),
    model: pattern.optional(),
    key: pattern.optional(),
    body: pattern.optional(),
    ms: ms.optional(),
    message: z.string().max(10_000).optional(),
    retryAfter: z.string().max(100).optional(),
  })
  return z.preprocess((one) => (typeof one === 'string' ? { name: one } : one), full)
}

function vendorSchema(vendor: Vendor) {
  const switches = Object.entries(switchTables[vendor]).map(([name, { values }]) => [
    name,
    z.enum([...values]).optional(),
  ])
  return z.strictObject({
    serviceMs: z.union([ms, z.strictObject(serviceTimes)]).optional(),
    chunkMs: ms.nullable().optional(),
    chunkChars: z.number().int().min(1).max(100_000).optional(),
    answerChars: z.number().int().min(0).max(1_000_000).optional(),
    rules: z.array(rule).max(100).optional(),
    concurrency: z
      .union([
        limit,
        z.strictObject({
          default: limit.optional(),
          account: limit.optional(),
          search: limit.optional(),
          models: z.record(z.string(), z.number().int().min(0).max(1_000_000)).optional(),
        }),
      ])
      .optional(),
    requestsPerMinute: limit.optional(),
    tokensPerMinute: limit.optional(),
    tokensPerDay: limit.optional(),
    region: z.enum(['any', 'intl', 'china']).optional(),
    filesMax: z.number().int().min(0).max(100_000).optional(),
    gate: z.enum(['open', 'closed']).optional(),
    switches: z.strictObject(Object.fromEntries(switches)).optional(),
    faults: z.array(faultSchema(vendor)).max(100).optional(),
  })
}

const controlSchema = z.strictObject({
  glm: vendorSchema('glm').optional(),
  kimi: vendorSchema('kimi').optional(),
})
type CheckedPatch = NonNullable<z.output<typeof controlSchema>['glm']>

/** A fault to arm: its name alone, or with how often and on what it strikes (`times` absent or null: on everything). */
type FaultPatch = string | (Omit<ArmedFault, 'times'> & { readonly times?: number | null | undefined })

/** What may be set of one vendor; what is absent stays as it is. */
interface VendorPatch {
  /** One number sets every timed operation. */
  readonly serviceMs?: number | Partial<Record<TimedOperation, number>> | undefined
  readonly chunkMs?: number | null | undefined
  readonly chunkChars?: number | undefined
  readonly answerChars?: number | undefined
  readonly rules?: readonly PaceRule[] | undefined
  /** One number is the limit the vendor is known for: per model on GLM, over the account on Kimi. */
  readonly concurrency?: number | null | Partial<ConcurrencyLimits> | undefined
  readonly requestsPerMinute?: number | null | undefined
  readonly tokensPerMinute?: number | null | undefined
  readonly tokensPerDay?: number | null | undefined
  readonly region?: VendorSettings['region'] | undefined
  readonly filesMax?: number | undefined
  readonly gate?: VendorSettings['gate'] | undefined
  readonly switches?: Readonly<Record<string, string>> | undefined
  readonly faults?: readonly FaultPatch[] | undefined
}

/** What POST /__control takes: a patch for each vendor. */
export interface ControlPatch {
  readonly glm?: VendorPatch | undefined
  readonly kimi?: VendorPatch | undefined
}

/** A patch that is not acceptable; the message says where and what was expected. */
export class BadControl extends Error {}

/** The settings after a patch, for each vendor it names. Throws BadControl and changes nothing when it is not valid. */
export function patched(
  current: Readonly<Record<Vendor, VendorSettings>>,
  patch: unknown,
): Partial<Record<Vendor, VendorSettings>> {
  const checked = controlSchema.safeParse(patch)
  if (!checked.success)
    throw new BadControl(`the control message is not valid:\n${z.prettifyError(checked.error)}`)
  const next: Partial<Record<Vendor, VendorSettings>> = {}
  for (const vendor of vendors) {
    const part = checked.data[vendor]
    if (part) next[vendor] = applied(vendor, current[vendor], part)
  }
  return next
}

function applied(vendor: Vendor, settings: VendorSettings, patch: CheckedPatch): VendorSettings {
  const { serviceMs, concurrency, switches, faults, ...rest } = patch
  const plain = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...settings,
    ...plain,
    serviceMs: { ...settings.serviceMs, ...serviceTimesOf(serviceMs) },
    concurrency: { ...settings.concurrency, ...concurrencyOf(vendor, concurrency) },
    switches: { ...settings.switches, ...definedStrings(switches ?? {}) },
    faults: faults ? faults.map((fault) => ({ ...fault })) : settings.faults,
  }
}

function defined<T>(record: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}

function serviceTimesOf(value: CheckedPatch['serviceMs']): Partial<VendorSettings['serviceMs']> {
  if (typeof value === 'number')
    return Object.fromEntries(timedOperations.map((operation) => [operation, value]))
  return defined(value ?? {})
}

function concurrencyOf(
  vendor: Vendor,
  value: CheckedPatch['concurrency'],
): Partial<VendorSettings['concurrency']> {
  if (value === undefined) return {}
  if (typeof value === 'number' || value === null)
    return vendor === 'glm' ? { default: value } : { account: value }
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))
}

function definedStrings(record: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  )
}
