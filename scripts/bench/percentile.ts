/** The value below or at which `share` of the ascending `values` lie (nearest rank); NaN of none. */
export function percentile(values: Float64Array | readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * values.length));
  return values[rank - 1] ?? Number.NaN;
}
