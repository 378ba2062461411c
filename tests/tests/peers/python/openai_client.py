"""OpenAI's own client, spoken to by lines of JSON. Arguments: where OpenAI is, the key."""

import json
import sys

from openai import APIConnectionError, APIStatusError, OpenAI

base, key = sys.argv[1:]
client = OpenAI(base_url=base, api_key=key, max_retries=0, timeout=20)


def ask(it):
    messages = [] if it["text"] is None else [{"role": "user", "content": it["text"]}]
    answer = client.chat.completions.create(model=it["model"], messages=messages)
    choice = answer.choices[0]
    return {
        "text": choice.message.content,
        "object": answer.object,
        "finish": choice.finish_reason,
        "tokens": answer.usage.total_tokens,
    }


for line in sys.stdin:
    try:
        said = ask(json.loads(line))
    except APIStatusError as refused:
        said = {"status": refused.status_code}
    except APIConnectionError:
        said = {"status": None}
    print(json.dumps(said))
