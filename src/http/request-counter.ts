/** Counts requests for the metrics page. A route is the pattern that we wrote, never what a client asks for: labels have few values. */
import { Counter, type Registry } from 'prom-client';

export type RequestCounter = (service: string, route: string, status: number) => void;

export function requestCounter(registry: Registry): RequestCounter {
  const counter = new Counter({
    name: 'rainmail_http_requests_total',
    help: 'Requests over HTTP, by service, page and status. Page "none": there is no such page.',
    labelNames: ['service', 'page', 'status'],
    registers: [registry],
  });
  return (service, page, status) => counter.inc({ service, page, status });
}
