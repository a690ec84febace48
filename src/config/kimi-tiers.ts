// Kimi's limit of requests at once by recharge tier, per account, from the vendor's published tables of the international
// and the Chinese host. A tenth is left free: others may use the same account.

const international = [1, 50, 100, 200, 400, 1000]
const chinese = [1, 15, 40, 50, 60, 100]

/** Requests at once for a tier; 1 where the tier is not known, since that is what the lowest one allows. */
export function kimiConcurrency(tier: number | null, baseUrl: string): number {
  const table = new URL(baseUrl).hostname.endsWith('.cn') ? chinese : international
  return Math.max(1, Math.floor((table[tier ?? 0] ?? 1) * 0.9))
}
