"""A discrete-event simulation that drives the real policies. Read `residency.py` and `order.py`.

engines    eight engines: memory, load costs, speed
traces     who asks for what and when: household, hotel, adversary, neighbours; all from a seed
records    the recorded form of a trace, so that anybody's own log can be replayed
rules      the ways of keeping engines that are compared: ours, LRU, a timer, Ollama's
residency  engines on one device under a memory budget, and what listeners waited for
bound      the exact optimum of somebody who knows the future
order      sentences of many listeners on one engine
"""
