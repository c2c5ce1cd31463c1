// Delivers an event when its record has come into the configured list: {"list": "Review"}.

let list;

export const sieve = {
  describe() {
    return {
      name: 'moved-to',
      version: '1.0.0',
      description: 'Delivers an event when its record has come into the configured list',
    };
  },

  // The text is JSON. What is thrown refuses the configuration.
  configure(text) {
    list = JSON.parse(text)?.list;
    if (typeof list !== 'string') {
      throw '/list: the title of a list is expected';
    }
    return [{ pointer: '/previousValue/todoList/title' }, { pointer: '/currentValue/todoList/title' }];
  },

  // Each event comes as its fields' values, in the order of `configure`.
  decide(events) {
    return events.map(([before, now]) => {
      if (now.tag !== 'text') {
        return { tag: 'error', val: `the list's title is ${now.tag}` };
      }
      const hasMoved = now.val === list && before.val !== list;
      return hasMoved ? { tag: 'deliver' } : { tag: 'skip', val: `it is in ${now.val}` };
    });
  },
};
