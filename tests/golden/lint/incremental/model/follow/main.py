print("follow")
