// What is nicer with scripts; every page works without.

// Values that are typed elsewhere can be copied. What the button did is said to screen readers, too.
for (const value of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', `Copy: ${value.dataset.copy}`);
  const status = document.createElement('span');
  status.className = 'unseen';
  status.setAttribute('role', 'status');
  const text = value.textContent;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = status.textContent = 'Copied';
    } catch {
      button.textContent = status.textContent = 'Not allowed'; // the browser asked, and the person said no
    }
    setTimeout(() => {
      button.textContent = 'Copy';
      status.textContent = '';
    }, 2_000);
  });
  value.after(button, status);
}

// Times come in UTC; here it is known which zone the person is in.
const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
for (const time of document.querySelectorAll('time')) time.textContent = format.format(new Date(time.dateTime));
