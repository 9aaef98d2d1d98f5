/** What reports say, in every language. */
import type { Language } from '../../../config/languages.ts';
import type { ReportTexts } from '../texts.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { it } from './it.ts';
import { nl } from './nl.ts';

export const TEXTS: Readonly<Record<Language, ReportTexts>> = { en, de, fr, es, nl, it };
