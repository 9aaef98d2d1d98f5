/** Settings so small that the log starts anew, segments end, and what is removed is swept, many times in a short run. */
export const BUSY_STORE = `
[store]
segment = "512KB"
checkpoint = "512KB"
retained = "1MB"
housekeeping = "150ms"
[log]
level = "warn"
`;
