// What is asked of all configured providers at once.

import type { QueueOrder } from '../admission/fair-queue.ts'
import type { ConfiguredProvider } from './route.ts'

/** Changes the order in which those who wait are served, at every vendor, from now on. */
export function setOrderOfAll(providers: readonly ConfiguredProvider[], order: QueueOrder): void {
  for (const { accounts } of providers) for (const { groups } of accounts) groups.setOrder(order)
}

/** Gives principals their shares of now, for what waits at any vendor too. */
export function setWeightsOfAll(
  providers: readonly ConfiguredProvider[],
  principals: Iterable<{ readonly name: string; readonly weight: number }>,
): void {
  for (const { name, weight } of principals)
    for (const { accounts } of providers) for (const { groups } of accounts) groups.setWeight(name, weight)
}

/** Numbers of providers that do work of their own on this machine, by name. */
export function inspectAll(providers: readonly ConfiguredProvider[]): Readonly<Record<string, object>> {
  return Object.fromEntries(
    providers.flatMap(({ provider }) => (provider.inspect ? [[provider.name, provider.inspect()]] : [])),
  )
}
