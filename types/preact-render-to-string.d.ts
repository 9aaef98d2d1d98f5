import type { VNode } from 'htm/preact';

/** Writes HTML; what stands in values is escaped. */
export declare function renderToString(page: VNode): string;
