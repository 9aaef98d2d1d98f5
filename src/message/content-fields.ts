/** The fields that describe a MIME entity (RFC 2045, 2183, 1864, 2557, 3282), as its header has them. */
import type { Header } from './header.ts';
import { type Parameter, readParameters, withoutComments } from './parameters.ts';

export interface ContentFields {
  readonly type: string;
  readonly subtype: string;
  /** As they stand. */
  readonly params: readonly Parameter[];
  /** Lower case; `7bit` when absent. */
  readonly encoding: string;
  readonly disposition: string | null;
  readonly dispositionParams: readonly Parameter[];
  readonly id: string | null;
  readonly description: string | null;
  readonly md5: string | null;
  readonly languages: readonly string[];
  readonly location: string | null;
}

/** What an entity without a readable Content-Type is (RFC 2045 5.2). */
export const PLAIN_TEXT: ContentFields = {
  type: 'text',
  subtype: 'plain',
  params: [['charset', 'us-ascii']],
  encoding: '7bit',
  disposition: null,
  dispositionParams: [],
  id: null,
  description: null,
  md5: null,
  languages: [],
  location: null,
};

/** `type/subtype` of tokens (RFC 2045 5.1); blanks beside the slash are forgiven. */
const MEDIA_TYPE = /^([a-z0-9!#$%&'*+.^_`{|}~-]+) *\/ *([a-z0-9!#$%&'*+.^_`{|}~-]+)/;

const MAX_LANGUAGES = 20;

/** @param inDigest  within multipart/digest the default is message/rfc822 (RFC 2046 5.1.5) */
export function readContentFields(header: Header, inDigest: boolean): ContentFields {
  const content = header.first('content-type');
  const { value, raw } = content === null ? { value: '', raw: [] } : readParameters(content);
  const media = MEDIA_TYPE.exec(value);
  const encoding = header.first('content-transfer-encoding');
  const disposition = header.first('content-disposition');
  const placed = disposition === null ? { value: '', raw: [] } : readParameters(disposition);
  const byDefault = content === null && inDigest ? MESSAGE : PLAIN_TEXT;
  return {
    type: media?.[1] ?? byDefault.type,
    subtype: media?.[2] ?? byDefault.subtype,
    params: media === null ? byDefault.params : raw,
    encoding: (encoding === null ? '' : withoutComments(encoding).trim().toLowerCase()) || '7bit',
    disposition: placed.value === '' ? null : placed.value,
    dispositionParams: placed.value === '' ? [] : placed.raw,
    id: header.first('content-id'),
    description: header.first('content-description'),
    md5: header.first('content-md5'),
    languages: languagesOf(header.first('content-language')),
    location: header.first('content-location')?.replace(/\s+/g, '') ?? null,
  };
}

const MESSAGE: Pick<ContentFields, 'type' | 'subtype' | 'params'> = { type: 'message', subtype: 'rfc822', params: [] };

/** RFC 3282 2: tags with commas between. */
function languagesOf(field: string | null): readonly string[] {
  if (field === null) return [];
  return withoutComments(field)
    .split(',', MAX_LANGUAGES)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}
