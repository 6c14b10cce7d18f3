/** A zone where it is noon now, so that no test sees the day change, and ISO days counted from today there. */
export function noonZone(): { readonly zone: string; day(offset: number): string } {
  const now = Date.now();
  const ahead = 12 - new Date(now).getUTCHours();
  return {
    // Signs of these names are the other way round.
    zone: ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`,
    day: (offset) => new Date(now + ahead * 3_600_000 + offset * 86_400_000).toISOString().slice(0, 10),
  };
}
