/** The tree of parts as it stands in a row: JSON arrays without names, with offsets from the parent's and what is usual left out. */
import type { Part } from './analysis.ts';

type Params = Part['params'];

/** 0 stands for what is absent or usual; zeros at the end are left out. */
type StoredPart = readonly [
  headerFromParent: number,
  headerBytes: number,
  bodyBytes: number,
  mediaType?: string | 0,
  params?: Params | 0,
  encoding?: string | 0,
  linesPlusOne?: number,
  disposition?: string | 0,
  dispositionParams?: Params | 0,
  id?: string | 0,
  parts?: readonly StoredPart[] | 0,
];

/** For {@link parseParts}. */
export function serializeParts(root: Part): string {
  return JSON.stringify(stored(root, 0));
}

/** @param text from {@link serializeParts}, of the same ANALYSIS_FORMAT */
export function parseParts(text: string): Part {
  return restored(JSON.parse(text) as StoredPart, 0);
}

function stored(part: Part, from: number): StoredPart {
  const mediaType = `${part.type}/${part.subtype}`;
  const fields: [...Required<StoredPart>] = [
    part.header - from,
    part.body - part.header,
    part.end - part.body,
    mediaType === 'text/plain' ? 0 : mediaType,
    part.params.length === 0 ? 0 : part.params,
    part.encoding === '7bit' ? 0 : part.encoding,
    part.lines === undefined ? 0 : part.lines + 1,
    part.disposition ?? 0,
    part.dispositionParams === undefined || part.dispositionParams.length === 0 ? 0 : part.dispositionParams,
    part.id ?? 0,
    part.parts?.map((child) => stored(child, part.header)) ?? 0,
  ];
  const length = fields.findLastIndex((field) => field !== 0) + 1;
  return fields.slice(0, Math.max(3, length)) as unknown as StoredPart;
}

function restored(fields: StoredPart, from: number): Part {
  const [headerFromParent, headerBytes, bodyBytes, mediaType, params, encoding, lines, disposition, placed, id, parts] =
    fields;
  const header = from + headerFromParent;
  const [type, subtype] = (mediaType || 'text/plain').split('/', 2) as [string, string];
  return {
    header,
    body: header + headerBytes,
    end: header + headerBytes + bodyBytes,
    type,
    subtype,
    params: params || [],
    encoding: encoding || '7bit',
    ...(disposition ? { disposition, dispositionParams: placed || [] } : undefined),
    ...(id === undefined || id === 0 ? undefined : { id }),
    ...(lines ? { lines: lines - 1 } : undefined),
    ...(parts ? { parts: parts.map((child) => restored(child, header)) } : undefined),
  };
}
